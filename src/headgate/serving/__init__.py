"""The data plane: workers that turn bytes on a socket into a prediction and back."""
