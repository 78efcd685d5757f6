"""Between the socket and the application; the processes, and numbers about them."""
