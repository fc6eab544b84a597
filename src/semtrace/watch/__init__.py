"""The watcher sends new pictures of a folder on, archives repeats, and loses none."""
