"""What a page asks of the numbers, as its address has it, and what comes back."""
