"""What Closecast is measured against."""
