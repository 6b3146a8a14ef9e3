"""The function `stream-handler`: previews follow the messages table's stream."""
