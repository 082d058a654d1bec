"""What the people who run the site make of it: its name, look, words, announcements, examples and terms."""
