{{ aws_focus_rows('focus_1_2_rows_csv', 'SkuMeter', 'InvoiceId', is_text=true) }}
