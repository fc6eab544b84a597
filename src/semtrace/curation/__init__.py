"""From volumes, images and videos of electron microscopes to patches that a network can learn from."""
