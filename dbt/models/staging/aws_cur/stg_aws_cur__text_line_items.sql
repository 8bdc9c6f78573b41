{{ aws_cur2_rows('line_items_csv', is_text=true) }}
