"""What happens around every request, whatever the page."""
