"""Where things of a project come from by what a person calls them: its folder, store, catalog and datasets."""
