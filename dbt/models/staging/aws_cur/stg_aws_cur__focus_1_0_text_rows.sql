{{ aws_focus_rows('focus_1_0_rows_csv', 'null', 'null', is_text=true) }}
