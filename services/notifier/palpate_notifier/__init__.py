"""The notifier: brings each failed claim to the clinician who can mend it, and knows when it is mended."""
