"""The inbox: where people see their cases and say what they did about them, in a browser, without JavaScript."""
