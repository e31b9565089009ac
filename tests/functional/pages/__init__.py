"""Pages, as browsers ask for them: a package, for its modules have the names of others."""
