"""What is set for a site and kept in `control.sqlite`, beside the sites themselves."""
