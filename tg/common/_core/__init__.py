"""What every other room stands on; imports the standard library only."""
