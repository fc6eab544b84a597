"""The house of discovery: the flat set, the scale of every image, subsets by scale, and what is found in them."""
