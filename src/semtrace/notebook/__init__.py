"""What a notebook uses: single pictures, and the results of a run."""
