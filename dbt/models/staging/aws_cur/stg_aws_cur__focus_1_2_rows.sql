{{ aws_focus_rows('focus_1_2_rows', 'SkuMeter', 'InvoiceId') }}
