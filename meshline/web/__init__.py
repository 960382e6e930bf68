"""What all screens share: access, the sitting, navigation, paging, forms, words for times."""
