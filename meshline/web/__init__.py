"""What all screens share: who may enter, the sitting, navigation, paging, forms, words for times."""
