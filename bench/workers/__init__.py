"""What Palpate is compared with: each a worker process of its own."""
