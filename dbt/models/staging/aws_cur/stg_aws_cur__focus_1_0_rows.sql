{{ aws_focus_rows('focus_1_0_rows', 'null', 'null') }}
