{{ aws_legacy_rows('legacy_line_items') }}
