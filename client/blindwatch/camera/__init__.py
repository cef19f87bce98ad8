"""The camera: finds faces, encrypts their templates and sends them. It holds no key that opens anything."""
