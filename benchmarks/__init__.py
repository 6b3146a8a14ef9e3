"""The numbers this project publishes, and the programs that make them."""
