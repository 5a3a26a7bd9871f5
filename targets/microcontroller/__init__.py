"""What all microcontrollers share: families of cores, their tools, firmware, its stack, and models of cycles."""
