"""What every app may use and none of them owns."""
