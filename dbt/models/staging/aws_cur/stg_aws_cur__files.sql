-- size and time alone: the content is not read
select
    regexp_extract(filename, '([^/]+/){4}[^/]+$') as bill_file,
    size as file_size,
    last_modified as modified_at
from read_blob('landing/aws_cur/**/*.parquet')
where contains(filename, '/window_start=')
