"""The programs that turn published experiments into tables as a warehouse would hold them."""
