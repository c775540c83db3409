"""Problems to try: one NAME.derive each; `make gallery` builds them into output/NAME/."""
