"""The claim as a whole: place, dates, filing, authorization, charges."""
