"""Starting the platform: on this machine (`infra/local`), elsewhere later."""
