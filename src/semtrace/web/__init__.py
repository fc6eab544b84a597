"""What every page is made of: a guarded server, pictures by digest, and scripts that need no framework."""
