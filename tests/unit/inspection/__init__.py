"""What disk images are: a package, for its modules have the names of others."""
