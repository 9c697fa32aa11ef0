FROM scratch
ENV A=one\ "two  three"\ 'four'\ five
ENV B="quoted whole"
ENV C=it\ is
