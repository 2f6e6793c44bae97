"""What is run: neural style transfer (Gatys et al. 2016) as plain float32 TensorFlow graphs."""
