"""The watcher: a folder that lets only new pictures travel on, and loses none."""
