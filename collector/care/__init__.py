"""What an operator does beside serving: looking after machine and files, backups, exports."""
