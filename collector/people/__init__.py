"""Who may look at the numbers: accounts, logins and keys, all kept in `control.sqlite`."""
