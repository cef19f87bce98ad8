"""What oversight bodies run: witnesses, challenges, searches for plaintext, and the verification of a deployment."""
