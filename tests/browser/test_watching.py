"""What fails a browser test by itself, and what the helpers find fault with."""
