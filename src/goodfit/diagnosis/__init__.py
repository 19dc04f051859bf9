"""What happened in a training, why, and what to do next: findings, a verdict, and the pages that show them."""
