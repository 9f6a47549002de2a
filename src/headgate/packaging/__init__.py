"""From a model to a bundle: recognise, infer the signature, compile, prove parity, lock the environment."""
