"""What other systems are told of a duty: signed webhooks, MQTT and counts. Nothing here can hold an image."""
