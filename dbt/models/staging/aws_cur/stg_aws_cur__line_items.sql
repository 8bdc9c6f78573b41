{{ aws_cur2_rows('line_items') }}
