"""What tests share: real servers, recordings, browsers. No test stands in here."""
