"""From an empty machine to a selling site: keys, boxes, the site sheet, the simulated site, the demo."""
