"""What is checked of a bundle: one function for each check, and what its verdict means."""
