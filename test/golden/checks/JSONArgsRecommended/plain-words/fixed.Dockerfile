FROM known
ENTRYPOINT ["my-program", "--port", "80"]
CMD ["nginx", "-g", "daemon"]
