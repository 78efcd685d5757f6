"""What programs may ask for, instead of pages."""
