"""Other people's TensorFlow graphs: read from a file in any form, with what they are run for and what they are fed."""
