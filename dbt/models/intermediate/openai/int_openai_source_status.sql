{{ report_status('openai', ref('stg_openai__usage'), ref('stg_openai__costs')) }}
