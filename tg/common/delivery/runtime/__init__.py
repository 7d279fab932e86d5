"""What runs where a training runs; imports little, for every image holds it."""
